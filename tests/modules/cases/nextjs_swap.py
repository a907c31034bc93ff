ELSEWHERE = "tests/nextjs/test_swap.py"
