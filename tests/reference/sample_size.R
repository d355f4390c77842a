# Students for a t interval of a wanted half-width, by counting up from two in base R.
# Rscript tests/reference/sample_size.R > tests/reference/sample_size.json
cases <- list(c(.05, 100, .1), c(.05, 100, .05), c(.03, 600, .02), c(.2, 12, .3), c(.14295, 12, .1), c(.001, 50, .5))
needed <- function(x) {
  n <- 2
  while (qt(.975, n - 1) * x[1] * sqrt(x[2] / n) > x[3]) n <- n + 1
  n
}
cat('{"made_by": "', R.version.string, '", "cases": [',
    paste(sapply(cases, function(x) paste0("[", paste(c(x, needed(x)), collapse = ", "), "]")), collapse = ", "),
    "]}\n", sep = "")
