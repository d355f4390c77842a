# Cumulative membership probabilities of agreement benchmarks, R irrCAC 1.0, on estimates of Gwet (2014) and others.
# Rscript tests/reference/benchmark.R > tests/reference/benchmark.json
suppressMessages({library(irrCAC); library(jsonlite)})
cases <- list(c(.77544, .14295), c(.67, .15), c(.21, .08), c(-.05, .2), c(.95, .06))
one <- function(f, x) as.numeric(as.character(f(x[1], x[2])$CumProb))
cat(toJSON(list(
  made_by = paste(R.version.string, "irrCAC", packageVersion("irrCAC")),
  cases = cases,
  landis_koch = lapply(cases, function(x) one(landis.koch.bf, x)),
  altman = lapply(cases, function(x) one(altman.bf, x)),
  fleiss = lapply(cases, function(x) one(fleiss.bf, x)),
  scales = list(landis_koch = landis.koch, altman = altman, fleiss = fleiss)
), digits = NA, auto_unbox = TRUE), "\n")
