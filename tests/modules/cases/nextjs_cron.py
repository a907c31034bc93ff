ELSEWHERE = "tests/nextjs/test_jobs.py"
