# Marginal homogeneity: contingencytables 3.0.1 (Fagerland, Lydersen & Laake 2017) on its example tables, irr 0.84.1,
# coin 1.4.2, clust.bin.pair 0.1.2 (psychiatrists, Petersen & Deddens); vision by Stuart (1955).
# R_LIBS=… Rscript tests/reference/marginal.R SOURCES_OF_IRR > tests/reference/marginal.json
suppressMessages({library(contingencytables); library(coin); library(clust.bin.pair); library(jsonlite)})
irr <- commandArgs(trailingOnly = TRUE)[1]
source(file.path(irr, "R", "stuart.maxwell.R")); source(file.path(irr, "R", "bhapkar.r"))
vision <- matrix(c(1520,266,124,66,234,1512,432,78,117,362,1772,205,36,82,179,492), 4, byrow = TRUE)
f <- fischer_1999
one <- function(m) {
  t <- as.table(m)
  dimnames(t) <- list(a = 1:nrow(m), b = 1:nrow(m))
  pairs <- cbind(rep(row(m), m), rep(col(m), m))
  s <- Stuart_test_paired_cxc(m); b <- Bhapkar_test_paired_cxc(m)
  w <- McNemarBowker_test_paired_cxc(m)
  list(table = m, bowker = w$T, bowker_df = w$df, bowker_p = w$P, stuart = s$T0, stuart_p = s$P, bhapkar = as.numeric(bhapkar(pairs)$value),
       bhapkar_p = bhapkar(pairs)$p.value, coin = as.numeric(statistic(mh_test(t))), coin_p = as.numeric(pvalue(mh_test(t))))
}
scores <- c(8, 3.5, 0, -3.5, -8)
w <- Wald_test_and_CI_marginal_mean_scores_paired_cxc(f, scores)
mean2 <- sum(rowSums(f) / sum(f) * scores) - sum(colSums(f) / sum(f) * scores)
g <- matrix(c(1, 1, 7, 12), 2, byrow = TRUE)
p <- psychiatry
cat(toJSON(list(
  made_by = paste(R.version.string, "contingencytables", packageVersion("contingencytables"), "irr 0.84.1 coin",
                  packageVersion("coin"), "clust.bin.pair", packageVersion("clust.bin.pair")),
  tables = list(vision = one(vision), fischer = one(f)),
  mean = list(scores = scores, difference = mean2, text = capture.output(print(w))),
  bonett_price = list(table = g, text = capture.output(print(Wald_CI_BonettPrice_paired_2x2(g)))),
  mcnemar_exact = list(b = 1, c = 7, p = binom.test(1, 8)$p.value),
  clustered = list(a = p$ah, b = p$bh, c = p$ch, d = p$dh,
                   obuchowski = unname(clust.bin.pair(p$ah, p$bh, p$ch, p$dh, method = "obuchowski")$statistic),
                   durkalski = unname(clust.bin.pair(p$ah, p$bh, p$ch, p$dh, method = "durkalski")$statistic))
), digits = NA, auto_unbox = TRUE, matrix = "rowmajor"), "\n")
