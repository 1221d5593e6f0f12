"""The command as `python -m telucodec`, for where the folder of commands is not on the path."""

from telucodec.cli.main import main

if __name__ == "__main__":
    main()
