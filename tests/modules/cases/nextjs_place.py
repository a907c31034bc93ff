ELSEWHERE = "tests/nextjs/test_end_to_end.py"
