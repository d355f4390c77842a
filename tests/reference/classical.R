# Cronbach's alpha, alpha if dropped and corrected item-total correlations of psych::alpha on datasets::attitude
# (Chatterjee & Price 1977), complete and with holes; weighted kappa of psych::cohen.kappa on Cohen's (1968) table.
# Rscript tests/reference/classical.R > tests/reference/classical.json
suppressMessages(library(psych))
digits <- function(x) paste0("[", paste(trimws(formatC(unlist(x), digits = 15, format = "g")), collapse = ", "), "]")
rows <- function(m) paste0("[", paste(apply(m, 1, function(r) gsub("NA", "null", digits(r))), collapse = ",\n    "), "]")
block <- function(x) {
  a <- suppressWarnings(alpha(x, check.keys = FALSE, use = "pairwise"))
  paste0(
    '{\n    "data": ', rows(as.matrix(x)),
    ',\n    "alpha": ', digits(a$total$raw_alpha),
    ',\n    "alpha_if_dropped": ', digits(a$alpha.drop$raw_alpha),
    ',\n    "item_rest": ', digits(a$item.stats$r.drop),
    ',\n    "mean": ', digits(colMeans(x, na.rm = TRUE)),
    ',\n    "sd": ', digits(apply(x, 2, sd, na.rm = TRUE)), "\n  }"
  )
}
holes <- attitude
for (i in seq(2, 30, by = 3)) holes[i, (i %% 7) + 1] <- NA
cohen <- matrix(c(88, 10, 2, 14, 40, 6, 18, 10, 12), nrow = 3, byrow = TRUE)
linear <- 1 - abs(outer(0:2, 0:2, "-")) / 2
plain <- cohen.kappa(cohen)
weighted <- cohen.kappa(cohen, w = linear)
cat('{\n  "made_by": "', R.version.string, ", psych ", as.character(packageVersion("psych")), '",\n', sep = "")
cat('  "complete": ', block(attitude), ',\n  "holes": ', block(holes), ",\n", sep = "")
cat('  "kappa": {"table": ', rows(cohen), ', "unweighted": ', digits(plain$kappa), ', "quadratic": ',
    digits(plain$weighted.kappa), ', "linear": ', digits(weighted$weighted.kappa), ', "se_unweighted": ',
    digits(sqrt(plain$var.kappa)), "}\n}\n", sep = "")
