# Ordered probit slopes by MASS::polr. Polyserial correlations by polycor::polyserial (maximum likelihood, std.err = TRUE) and psych::polyserial (ad hoc);
# omega from stats::factanal with one factor and from psych::omega (fm = "ml", nfactors = 1), on simulated ratings and
# on datasets::attitude (Chatterjee & Price 1977).
# Rscript tests/reference/ordinal.R > tests/reference/ordinal.json
suppressMessages({library(psych); library(polycor); library(MASS)})
digits <- function(x) paste0("[", paste(trimws(formatC(unlist(x), digits = 12, format = "g")), collapse = ", "), "]")
rows <- function(m) paste0("[", paste(apply(m, 1, digits), collapse = ",\n    "), "]")
set.seed(20261125)
n <- 250
ability <- rnorm(n)
rest <- round(0.8 * ability + 0.6 * rnorm(n), 3)
cuts <- list(c(-1.2, -0.2, 0.9, 2.1), c(-0.4, 0.3), 0.8, c(-2.5, -1.5, 1, 2.6))
slope <- c(0.9, 0.4, 1.6, -0.7)
level <- sapply(1:4, function(j) findInterval(slope[j] * ability + rnorm(n), cuts[[j]]))
ml <- lapply(1:4, function(j) polycor::polyserial(rest, level[, j], ML = TRUE, std.err = TRUE))
z <- (rest - mean(rest)) / sqrt(mean((rest - mean(rest))^2))
probit <- lapply(c(1, 2, 4), function(j) polr(factor(level[, j]) ~ z, method = "probit", control = list(reltol = 1e-14)))
quick <- sapply(1:4, function(j) psych::polyserial(matrix(rest), matrix(level[, j])))
grid <- round(2 + outer(ability, c(1, .8, .6, .9, .5, .7)) + matrix(rnorm(n * 6), n))
one <- function(x) {
  f <- factanal(covmat = list(cov = cov(x), n.obs = nrow(x)), factors = 1, control = list(nstart = 5, opt = list(factr = 10)))
  s <- apply(x, 2, sd)
  loading <- as.numeric(f$loadings) * s
  unique <- f$uniquenesses * s^2
  o <- suppressWarnings(suppressMessages(omega(cor(x), nfactors = 1, fm = "ml", plot = FALSE, n.obs = nrow(x))))
  paste0('{"data": ', rows(as.matrix(x)), ',\n    "loading": ', digits(loading), ',\n    "unique": ', digits(unique),
         ',\n    "omega": ', digits(sum(loading)^2 / (sum(loading)^2 + sum(unique))),
         ',\n    "psych_standardised": ', digits(o$omega.tot), "}")
}
cat('{\n  "made_by": "', R.version.string, ", psych ", as.character(packageVersion("psych")), ", polycor ",
    as.character(packageVersion("polycor")), '",\n', sep = "")
cat('  "polyserial": {"rest": ', digits(rest), ',\n    "level": ', rows(t(level)), ',\n    "ml": ',
    digits(sapply(ml, function(m) m$rho)), ',\n    "se": ', digits(sapply(ml, function(m) sqrt(m$var[1, 1]))),
    ',\n    "probit_of": [0, 1, 3],\n    "probit_slope": ', digits(sapply(probit, coef)),
    ',\n    "probit_cuts": [', paste(sapply(probit, function(f) digits(f$zeta)), collapse = ", "),
    '],\n    "ad_hoc": ', digits(quick), "},\n", sep = "")
cat('  "simulated": ', one(grid), ',\n  "attitude": ', one(attitude), "\n}\n", sep = "")
