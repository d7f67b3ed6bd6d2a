"""The one error of the stack: what went wrong and the cure, in a line each."""


class StackError(Exception):
    """Stops the start; shown to the person at the terminal without a traceback."""

    def __init__(self, problem: str, cure: str = "") -> None:
        self.problem = problem
        self.cure = cure
        super().__init__(f"{problem} {cure}".strip())
