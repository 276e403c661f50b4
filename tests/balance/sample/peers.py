"""What numpy, scikit-learn and pandas make of the table of the cases, as JSON."""
import json
import sys

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_class_weight

table = pd.read_csv(sys.argv[1], keep_default_na=False)
cap = int(sys.argv[2])
betas = [float(beta) for beta in sys.argv[3:]]
table = table[table["label"] != ""]
classes = np.unique(table["label"])
counts = table["label"].value_counts()

balanced = compute_class_weight("balanced", classes=classes, y=table["label"])


def effective(beta):
    # Cui et al. 2019, as in https://github.com/richardaecn/class-balanced-loss, then of mean 1 over the rows.
    n = np.array([counts[c] for c in classes])
    weights = (1.0 - beta) / (1.0 - np.power(beta, n))
    return weights * n.sum() / (weights * n).sum()


capped = table.groupby(["group", "label"]).head(cap).groupby(["group", "label"]).size()
print(json.dumps({
    "balanced": dict(zip(classes, balanced)),
    "effective": [dict(zip(classes, effective(beta))) for beta in betas],
    "capped": [[group, label, int(n)] for (group, label), n in capped.items()],
}))
