ELSEWHERE = "tests/actions/test_fetch.py"
