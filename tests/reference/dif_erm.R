# Wald tests of dichotomous items between two groups by eRm::Waldtest (conditional maximum likelihood in each group), with
# the estimates and errors of each group, on simulated data with one item that is harder for the second group.
# Rscript tests/reference/dif_erm.R > tests/reference/dif_erm.json
suppressMessages(library(eRm))
digits <- function(x) paste0("[", paste(trimws(formatC(unlist(x), digits = 12, format = "g")), collapse = ", "), "]")
set.seed(6)
n <- 600; k <- 10
group <- rep(0:1, each = n / 2)
ability <- rnorm(n, -0.5 * group, 1.2)
beta <- seq(-1.5, 1.5, length.out = k)
location <- outer(ability, beta, "-")
location[, 4] <- location[, 4] - 0.9 * group
x <- 1 * (matrix(runif(n * k), n) < plogis(location))
extreme <- rowSums(x) %in% c(0, k)
w <- Waldtest(RM(x), splitcr = group)
lr <- LRtest(RM(x), splitcr = group)
cat('{\n  "made_by": "', R.version.string, ", eRm ", as.character(packageVersion("eRm")), '",\n', sep = "")
cat('  "group": ', digits(group), ',\n  "x": [', paste(sprintf('"%s"', apply(x, 1, paste, collapse = "")), collapse = ", "), "],\n", sep = "")
# betapar are easinesses; a positive difference of difficulty is -(second - first).
cat('  "difference": ', digits(-(w$betapar2 - w$betapar1)), ',\n  "se": ', digits(sqrt(w$se.beta1^2 + w$se.beta2^2)),
    ',\n  "lr": ', digits(c(lr$LR, lr$df, lr$pvalue)), "\n}\n", sep = "")
