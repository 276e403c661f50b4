"""spams on the densities of some pixels (StainTools' scale), as StainTools calls it.

  lasso FILE D LAMBDA        amounts of both stains in each pixel, as f64, to stdout
  train FILE BETA LAMBDA D   JSON: vectors of a converged trainDL, and the objective there and at D

FILE holds R, G, B bytes; D is a JSON matrix, its rows the stains."""
import json
import sys

import numpy as np
import spams

pixels = np.fromfile(sys.argv[2], np.uint8).reshape(-1, 3)
densities = np.maximum(-np.log(np.maximum(pixels, 1) / 255.0), 1e-6)


def codes(x, vectors, weight):
    d = np.asfortranarray(np.array(vectors).T)
    return np.asarray(spams.lasso(x, D=d, mode=2, lambda1=weight, pos=True, numThreads=1).todense())


def objective(x, vectors, weight):
    c = codes(x, vectors, weight)
    rest = x - np.array(vectors).T @ c
    return (0.5 * (rest * rest).sum() + weight * c.sum()) / x.shape[1]


if sys.argv[1] == "lasso":
    found = codes(np.asfortranarray(densities.T), json.loads(sys.argv[3]), float(sys.argv[4]))
    sys.stdout.buffer.write(found.T.astype("<f8").tobytes())
else:
    beta, weight, ours = float(sys.argv[3]), float(sys.argv[4]), json.loads(sys.argv[5])
    x = np.asfortranarray(densities[(densities >= beta).all(1)].T)
    # By default spams stops after a second, wherever it is then: 20,000 batches are what converges.
    theirs = spams.trainDL(X=x, K=2, lambda1=weight, mode=2, modeD=0, posAlpha=True, posD=True,
                           verbose=False, numThreads=1, iter=20000).T
    theirs = theirs / np.linalg.norm(theirs, axis=1)[:, None]
    theirs = theirs[np.argsort(-theirs[:, 0])]
    print(json.dumps({"vectors": theirs.tolist(), "theirs": objective(x, theirs, weight),
                      "ours": objective(x, ours, weight)}))
