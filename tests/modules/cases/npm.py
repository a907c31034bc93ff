ELSEWHERE = "tests/modules/test_npm.py"
