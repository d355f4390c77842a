# Marginal homogeneity of two raters by base R alone: the generalised Cochran-Mantel-Haenszel test on one stratum per
# subject is Stuart and Maxwell's (Agresti 2013, Categorical Data Analysis, 3rd ed., § 11.2), mcnemar.test on more than
# two levels is Bowker's.
# Rscript tests/reference/margins_base.R > tests/reference/margins_base.json
fischer <- matrix(c(1, 0, 1, 0, 0, 0, 2, 8, 4, 4, 1, 1, 31, 14, 11, 1, 0, 15, 9, 12, 0, 0, 2, 1, 3), 5, byrow = TRUE)
two <- matrix(c(20, 5, 12, 30), 2, byrow = TRUE)
three <- matrix(c(14, 3, 1, 9, 21, 4, 2, 8, 17), 3, byrow = TRUE)
one <- function(x) {
  cells <- which(x > 0, arr.ind = TRUE)
  pairs <- cells[rep(seq_len(nrow(cells)), x[x > 0]), ]
  n <- nrow(pairs)
  level <- factor(c(pairs[, 1], pairs[, 2]), levels = seq_len(nrow(x)))
  strata <- table(rep(c("first", "second"), each = n), level, rep(seq_len(n), 2))
  stuart <- mantelhaen.test(strata, correct = FALSE)
  bowker <- mcnemar.test(x, correct = FALSE)
  number <- function(v) if (is.nan(v)) "null" else trimws(formatC(unname(v), digits = 15, format = "g"))
  paste0('{"table": [', paste(apply(x, 1, function(r) paste0("[", paste(r, collapse = ", "), "]")), collapse = ", "),
         '], "stuart": ', number(stuart$statistic), ', "stuart_df": ', stuart$parameter, ', "stuart_p": ',
         number(stuart$p.value), ', "bowker": ', number(bowker$statistic), "}")
}
cat('{"made_by": "', R.version.string, '", "tables": {"fischer": ', one(fischer), ', "two": ', one(two),
    ', "three": ', one(three), "}}\n", sep = "")
