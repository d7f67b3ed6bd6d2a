"""English words that deny, soften a denial or only look like one."""

# They deny the verb or adjective behind them.
VERBAL = frozenset(
    [
        "not",
        "never",
        "cannot",
        "don't",
        "doesn't",
        "isn't",
        "aren't",
        "won't",
        "can't",
        "didn't",
        "wasn't",
        "weren't",
        "shouldn't",
        "mustn't",
        "needn't",
        "couldn't",
        "wouldn't",
        "hasn't",
        "haven't",
        "hardly",
        "rarely",
        "seldom",
        "nobody",
    ]
)
# They deny the thing behind them.
NOMINAL = frozenset(
    [
        "no",
        "without",
        "zero",
        "nor",
        "neither",
        "none",
        "0",
        "minus",
        "except",
        "excluding",
        "excludes",
    ]
)
# With these a writer denies without a word for no.
SOFT = frozenset(
    [
        "avoid",
        "skip",
        "lack",
        "omit",
        "refuse",
        "reject",
        "refrain",
        "forbid",
        "forbidden",
        "ban",
        "banned",
        "prohibit",
        "instead",
        "rather",
        "gone",
        "nothing",
        "nowhere",
        "nil",
        "ditch",
        "drop",
        "lose",
        "exclude",
        "out",
        "stop",
        "prevent",
        "free",
        "non",
        "less",
        "unlike",
        "against",
        "refusing",
        "spare",
        "spared",
        "banish",
        "remove",
        "removed",
        "away",
    ]
)
# Behind these words `not` belongs to a turn of phrase.
PHRASES = frozenset(
    [
        "just",
        "only",
        "merely",
        "simply",
        "to",
        "mind",
        "worry",
        "miss",
        "wait",
        "forget",
        "need",
        "sure",
        "yet",
    ]
)
