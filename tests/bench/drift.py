"""What one would write with pandas and scipy: drift.py REFERENCE CURRENT - a test for each column of two JSON Lines files."""
import sys

import pandas as pd
from scipy import stats

reference, current = (pd.read_json(f, lines=True) for f in sys.argv[1:])
for name in reference.columns:
    a, b = reference[name], current[name]
    if a.dtype.kind in "if":
        print(name, stats.ks_2samp(a, b).pvalue)
    else:
        x, y = a.value_counts(), b.value_counts()
        table = pd.concat([x, y], axis=1).fillna(0).to_numpy().T
        print(name, stats.chi2_contingency(table)[1] if table.shape[1] > 1 else 1)
