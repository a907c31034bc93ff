ELSEWHERE = "tests/nextjs/test_day2.py"
