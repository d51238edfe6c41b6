"""How often drift is found, beside the tests one would write by hand: drift-power.py [DRAWS] - rows of a benchmark as JSON Lines.

Each draw makes a reference and current rows with one path, runs ft-drift on them (exit status 1: found), and the peer's test at the same
level, .05: scipy's ks_2samp and chi2_contingency, and for texts a TF-IDF + SGD classifier learnt on one half of the rows and judged by a binomial test on
the other. Where nothing moved, the share is that of false alarms.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy import stats
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier

DRAWS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
WORDS = np.array([f"w{i}" for i in range(3000)])
ZIPF = 1 / np.arange(1, 3001)
ZIPF /= ZIPF.sum()


def numbers(r, n, shift):
    return r.normal(shift, 1, n)


def categories(r, n, share):
    return r.choice(list("abcde"), n, p=[share] + 4 * [(1 - share) / 4])


def texts(r, n):
    return [" ".join(r.choice(WORDS, r.integers(6, 20), p=ZIPF)) for _ in range(n)]


def with_word(word, other):
    """Texts of which a share has a word in place of another one."""

    def make(r, n, share):
        return [t + (f" {word}" if r.random() < share else f" {other}") for t in texts(r, n)]

    return make


def topic(r, n, share):
    """Texts of which a share has four words of a topic."""
    return [t + (" " + " ".join(r.choice(WORDS[200:240], 4)) if r.random() < share else "") for t in texts(r, n)]


def ks(a, b):
    return stats.ks_2samp(a, b).pvalue


def chi2(a, b):
    levels = sorted(set(a) | set(b))
    return stats.chi2_contingency([[np.sum(x == v) for v in levels] for x in (a, b)])[1]


def classifier(a, b):
    rows, side = list(a) + list(b), np.array([0] * len(a) + [1] * len(b))
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    train, test = order[::2], order[1::2]
    tfidf = TfidfVectorizer()
    x = tfidf.fit_transform([rows[i] for i in train])
    model = SGDClassifier(loss="log_loss", random_state=0).fit(x, side[train])
    right = int(np.sum(model.predict(tfidf.transform([rows[i] for i in test])) == side[test]))
    return stats.binomtest(right, len(test), 0.5, alternative="greater").pvalue


CURVES = [
    ("a mean moved by", numbers, 200, 0, (0, 0.2, 0.3, 0.4, 0.5), "deviations", ks, "scipy ks_2samp"),
    ("a category's share of .2 became", categories, 300, 0.2, (0.2, 0.25, 0.3, 0.35), "", chi2, "scipy chi2_contingency"),
    ("a new word in a share of texts of", with_word("klarna", "the"), 200, 0, (0, 0.05, 0.1, 0.2), "", classifier, "TF-IDF + SGD"),
    ("a digit in place of another in", with_word("7", "8"), 200, 0.3, (0.3, 0.4, 0.5, 0.6), "of texts, .3 before", classifier, "TF-IDF + SGD"),
    ("a topic in a share of texts of .1 became", topic, 200, 0.1, (0.1, 0.2, 0.3, 0.5), "", classifier, "TF-IDF + SGD"),
]


def found(folder, a, b):
    for name, rows in (("a", a), ("b", b)):
        with open(os.path.join(folder, name), "w") as f:
            for x in rows:
                print(json.dumps({"x": x.item() if isinstance(x, np.generic) else x}), file=f)
    args = ["ft-drift", "-q", "--threads", "1", "-r", os.path.join(folder, "a"), os.path.join(folder, "b")]
    return subprocess.run(args, stdout=subprocess.DEVNULL).returncode == 1


with tempfile.TemporaryDirectory() as folder:
    for what, make, n, before, nows, unit, peer, peer_name in CURVES:
        for now in nows:
            ft = other = 0
            for draw in range(DRAWS):
                r = np.random.default_rng((draw, n))
                a, b = make(r, n, before), make(r, n, now)
                ft += found(folder, a, b)
                other += peer(a, b) <= 0.05
            null = "; nothing moved: false alarms" if now == before else ""
            print(json.dumps({
                "work": f"drift found: {what} {now:g} {unit}".strip(), "ft": ft / DRAWS, "peer": other / DRAWS,
                "unit": f"of {DRAWS} draws", "ratio": None if now == before or not other else round(ft / other, 2),
                "must": None, "note": f"{n} rows a side; peer: {peer_name}{null}"}), flush=True)
