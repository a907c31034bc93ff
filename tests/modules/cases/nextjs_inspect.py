ELSEWHERE = "tests/nextjs/test_inspect.py"
