ELSEWHERE = "tests/actions/test_library.py"
