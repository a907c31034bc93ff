ELSEWHERE = "tests/nextjs/test_exported.py"
