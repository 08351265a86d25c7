"""`python -m medclf` is the `medclf` command."""

from medclf.cli.app import main

if __name__ == "__main__":
    main()
