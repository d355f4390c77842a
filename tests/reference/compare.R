# Dependent kappas compared by Hotelling's T2, delta method (multiagree 3.01 of S. Vanbelle, read from its sources, on
# its example data FEES: three examiners, each twice, swallows within patients; and depression, one file per person),
# and p.adjust of R. Gwet's paired test (pairedCAC) stands in paired.json.
# Rscript tests/reference/compare.R DIRECTORY_OF_MULTIAGREE > tests/reference/compare.json
suppressMessages(library(jsonlite))
where <- commandArgs(trailingOnly = TRUE)[1]
source(file.path(where, "R", "multiagree.R"))
load(file.path(where, "data", "FEES.rda"))
load(file.path(where, "data", "depression.rda"))
columns <- c("val_CO", "val_COR", "val_MH", "val_MHR", "val_TB", "val_TBR")
fees <- na.omit(FEES[, c("subject", columns)])
delta <- function(data, id, weight) {
  out <- delta.pair(data = as.matrix(data), cluster_id = id, weight = weight, multilevel = TRUE)
  list(kappa = out$kappa[, 1], se = out$kappa[, 2], T2 = out$T_test[1], p = out$T_test[2], cor = out$cor)
}
p <- c(.01, .04, .03, .005, .2, .04)
cat(toJSON(list(
  made_by = paste(R.version.string, "multiagree 3.01"),
  fees = list(subject = fees$subject, ratings = as.matrix(fees[, columns]),
              linear = delta(fees[, columns], fees$subject, "equal"),
              identity = delta(fees[, columns], fees$subject, "unweighted")),
  depression = list(ratings = as.matrix(depression[, c("diag", "BDI", "GHQ")]),
                    identity = delta(depression[, c("diag", "BDI", "diag", "GHQ")], depression$ID, "unweighted")),
  adjust = list(p = p, holm = p.adjust(p, "holm"), benjamini_hochberg = p.adjust(p, "BH"))
), digits = NA, auto_unbox = TRUE, matrix = "rowmajor"), "\n")
