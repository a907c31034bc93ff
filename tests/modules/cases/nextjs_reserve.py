ELSEWHERE = "tests/nextjs/test_reservation.py"
