ELSEWHERE = "tests/nextjs/test_hooks.py"
