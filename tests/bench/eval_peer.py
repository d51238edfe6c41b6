"""The peer of tests/bench/eval.sh: exact match, SQuAD F1, ROUGE-L and bootstrap intervals of the two means, with NumPy and scikit-learn.

    python3 eval_peer.py rows.jsonl RESAMPLES

Written as one would for speed in Python: one pass over the rows, NumPy for the bootstrap, one draw of rows for both means.
"""
import collections
import json
import re
import string
import sys
import numpy as np
from sklearn.metrics import accuracy_score

PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(a|an|the)\b")
WORDS = re.compile(r"[a-z0-9]+")


def f1(answer, reference):
    a = ARTICLES.sub(" ", answer.lower().translate(PUNCTUATION)).split()
    r = ARTICLES.sub(" ", reference.lower().translate(PUNCTUATION)).split()
    same = sum((collections.Counter(a) & collections.Counter(r)).values())
    return 2 * same / (len(a) + len(r)) if same else 0.0


def rouge_l(answer, reference):
    a, r = WORDS.findall(answer.lower()), WORDS.findall(reference.lower())
    row = [0] * (len(r) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(r, 1):
            above = row[j]
            if x == y:
                row[j] = diagonal + 1
            elif row[j - 1] > above:
                row[j] = row[j - 1]
            diagonal = above
    return 2 * row[-1] / (len(a) + len(r)) if row[-1] else 0.0


answers, references, scores = [], [], []
for line in open(sys.argv[1]):
    row = json.loads(line)
    answer, reference = row["output"], row["messages"][-1]["content"]
    answers.append(answer)
    references.append(reference)
    scores.append((f1(answer, reference), rouge_l(answer, reference)))
exact = accuracy_score(references, answers)
scores = np.array(scores)
rng = np.random.default_rng(0)
means = np.empty((int(sys.argv[2]), 2))
for i in range(len(means)):
    means[i] = scores[rng.integers(0, len(scores), len(scores))].mean(axis=0)
lo, hi = np.percentile(means, [2.5, 97.5], axis=0)
print(json.dumps({"exact": exact, "f1": [scores[:, 0].mean(), lo[0], hi[0]], "rouge-l": [scores[:, 1].mean(), lo[1], hi[1]]}))
