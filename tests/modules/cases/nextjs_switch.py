ELSEWHERE = "tests/nextjs/test_releases.py"
