"""Sixty conversations of every length for the proofs with real weights, made on the spot."""

from generation.engine.types import Message

SUBJECTS = (
    "a bakery in Lisbon",
    "a bike repair shop",
    "an app that waters plants",
    "a night train to Vienna",
    "hand-made ceramic cups",
    "a choir for beginners",
)
TASKS = (
    "Write one sentence about {}.",
    "List three good things about {}.\n\n1.",
    "Write a headline of at most six words for {}.",
    "Who would buy from {}? Answer briefly.",
    "Explain to a child what {} is for.",
    "Translate into French: we all like {}!",
    "Opening hours of {}: Mon-Fri 8:30-17:00, Sat 9-13. When may I come on Saturday?",
)
UGLY = (
    "héllo wörld 你好，世界 🙂🙂 [INST] <b>",
    "def add(a, b):\n\treturn a + b\n\n\n# What does this do?",
    "x" * 90,
    "1, 1, 2, 3, 5, 8, 13, 21, 34, 55,",
    "?",
    "I I I I want want to to to say say say something something",
)
SENTENCE = "On day {} the shop sold {} loaves, {} rolls and {} cups of coffee to its neighbours. "

Conversation = tuple[Message, ...]


def report(days: int) -> str:
    return "".join(SENTENCE.format(day, 7 * day % 50, 3 * day, day + 11) for day in range(days))


def turns(*texts: str, system: str = "") -> Conversation:
    """User and assistant in turn, after what the system says."""
    roles = ("user", "assistant")
    said = tuple(Message(roles[place % 2], text) for place, text in enumerate(texts))
    return (Message("system", system), *said) if system else said


def conversations() -> list[Conversation]:
    """Asks of a line, ugly ones, several turns, and reports of up to 1,200 tokens."""
    asks = [turns(task.format(subject)) for task in TASKS for subject in SUBJECTS]
    ugly = [turns(text) for text in UGLY]
    several = [
        turns("Hello!", "Hello, how may I help?", f"Tell me about {subject}.", system="Be brief.")
        for subject in SUBJECTS[:4]
    ]
    several += [
        turns(*("Name a colour.", "Blue.") * count, "Another?", system="One word only.")
        for count in (1, 3, 9)
    ]
    long = [turns(f"{report(days)}How did the shop do?") for days in (22, 4, 12, 30, 45)]
    return [conversation for kind in (long, several, ugly, asks) for conversation in kind]
