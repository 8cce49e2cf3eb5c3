"""What is expected of one run of a program: its exit code, what it prints, what files hold then."""
