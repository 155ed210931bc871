"""What the Journal page says of a choice of rows: n, days, interval and baseline beside every number, or why not."""

from dataclasses import replace

from app_pages.journal_words import counts_sentence, deeds_frame, deeds_sentence, summary_frame, summary_sentences
from ml_monitoring.log_summary import log_summary
from tests.ml_monitoring.journal_tables import PENDING, UP, WRONG, on_days
from tests.ml_monitoring.test_log_summary import log

SOME = on_days(8, replace(UP, up=0.7, base=0.6), replace(WRONG, orb="1000", up=0.7, base=0.6))


def test_the_counts_say_on_which_days_and_how_they_came_about():
    found = log_summary(log(*SOME, replace(PENDING, day="2025-01-09", replayed=True)))
    assert counts_sentence(found, 40) == (
        "17 of 40 forecasts · 1 Jan 2025 to 9 Jan 2025, 9 trading days · 8 ✓ right · 8 ✕ wrong · 1 … pending · "
        "1 replayed (asked of stored bars afterwards)"
    )
    assert counts_sentence(log_summary(log(UP).slice(0, 0)), 40).startswith("None of 40 forecasts matches")


def test_every_number_has_its_baseline_its_n_and_its_interval_or_says_that_days_are_too_few():
    [row] = summary_frame(log_summary(log(*SOME)).models, "MGC").to_dict("records")
    assert row["n"] == "16 on 8 days"
    assert "nats over the" in row["Skill an event"]
    assert " to " in row["Skill an event"]
    assert row["Called right"] == "8, the martingale 8"
    assert row["Plain rule, net R"] == "−0.100 (−0.100 to −0.100), n 16"
    [few] = summary_frame(log_summary(log(*SOME[:4])).models, "MGC").to_dict("records")
    assert "(too few days for an interval)" in few["Skill an event"]


def test_a_choice_is_called_one_of_many_and_a_choice_by_outcome_has_no_score():
    found = log_summary(log(*SOME))
    assert summary_sentences(found, narrowed=False, knows_outcomes=False) == []
    assert "one stands out at 95 % by chance" in summary_sentences(found, narrowed=True, knows_outcomes=False)[-1]
    [said] = summary_sentences(found, narrowed=True, knows_outcomes=True)
    assert said.startswith("… These rows were chosen by what came of them")
    [none] = summary_sentences(log_summary(log(PENDING)), narrowed=False, knows_outcomes=False)
    assert none.startswith("… None of these rows has an answer with an outcome")


def test_what_i_did_stands_beside_the_plain_rule_and_the_advice_on_the_same_trades():
    did = {n: ("followed", "opposite")[n % 2] for n in range(12)}
    found = log_summary(log(*SOME, did=did, late={13: "followed"}))
    followed, opposite = deeds_frame(found.deeds).to_dict("records")
    assert (followed["I"], followed["Noted"], followed["Trades"]) == ("followed", 6, "6 on 6 days")
    assert followed["Net R as I did"] == followed["Advice"] == "+0.900 (+0.900 to +0.900)"
    assert followed["I less the advice"] == "the same"
    assert opposite["I less the advice"] == "✕ −1.100 (−1.100 to −1.100)"
    assert "1 row with a note made after the outcome: left out." in deeds_sentence(found)
    assert deeds_sentence(log_summary(log(PENDING))).startswith("Nothing was noted before its outcome")
