"""Texts beside references, by hand and by sacrebleu."""

import pytest
import sacrebleu

from training.lora.evaluation import bleu, chrf, copied_share, distinct_n, rouge_l

TEXTS = ["the cat sat on the mat today", "a dog ran far away from the house"]
REFERENCES = [
    ["the cat sat on the mat", "a cat was on the mat today"],
    ["a dog ran away from the house", "the dog ran far from home"],
]


def test_it_is_sacrebleus():
    streams = [list(each) for each in zip(*REFERENCES, strict=True)]
    assert bleu(TEXTS, REFERENCES) == pytest.approx(sacrebleu.corpus_bleu(TEXTS, streams).score)
    assert chrf(TEXTS, REFERENCES) == pytest.approx(sacrebleu.corpus_chrf(TEXTS, streams).score)


def test_texts_may_have_different_numbers_of_references():
    fewer = [REFERENCES[0], REFERENCES[1][:1]]
    doubled = [REFERENCES[0], REFERENCES[1][:1] * 2]
    assert bleu(TEXTS, fewer) == pytest.approx(bleu(TEXTS, doubled))
    assert bleu(TEXTS, [[text] for text in TEXTS]) == pytest.approx(100)


def test_chinese_is_cut_into_signs():
    assert bleu(["今天天气很好"], [["今天天气真好"]], "zh-Hans") > 20
    assert rouge_l("今天很好", ["今天好"]) == pytest.approx(6 / 7)


def test_the_longest_common_subsequence():
    assert rouge_l("The cat sat", ["a dog", "the cat slept"]) == pytest.approx(2 / 3)
    assert rouge_l("", ["a"]) == rouge_l("a", []) == 0
    assert rouge_l("a b c d", ["a x b y c z d"]) == pytest.approx(8 / 11)


def test_distinct_ngrams():
    assert distinct_n(["a b a b"], 2) == pytest.approx(2 / 3)
    assert distinct_n(["a"], 2) == 0


def test_what_is_copied_from_training():
    trained = ["one two three four five six seven eight nine ten"]
    assert copied_share(trained, trained) == 1
    assert copied_share(["one two three four five six seven"], trained) == 0
    mixed = ["so: One two three four five six seven eight, and that is all we say"]
    assert copied_share(mixed, trained) == pytest.approx(8 / 17)
