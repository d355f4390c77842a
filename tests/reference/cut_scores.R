# Contrasting groups and borderline regression on made-up judgements: glm and lm of base R.
# Rscript tests/reference/cut_scores.R > tests/reference/cut_scores.json

set.seed(20240601)
n <- 120
student <- rep(seq_len(n / 2) - 1, each = 2)
ability <- rnorm(n / 2, 0, 2)[student + 1]
measure <- round(ability + rnorm(n, 0, 0.3), 3)
level <- findInterval(ability + rnorm(n, 0, 0.8), c(-2.2, 0.1, 1.9))

logistic <- function(cut) {
  fit <- glm(as.integer(level > cut) ~ measure, family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100))
  -coef(fit)[[1]] / coef(fit)[[2]]
}
contrasting <- sapply(0:2, logistic)
line <- lm(measure ~ level)
borderline <- unname(predict(line, data.frame(level = 0:2 + 0.5)))

# Resamples of students, each refitted.
draws <- t(replicate(2000, {
  chosen <- sample(unique(student), replace = TRUE)
  rows <- unlist(lapply(chosen, function(one) which(student == one)))
  g <- level[rows]; x <- measure[rows]
  cuts <- sapply(0:2, function(cut) {
    b <- suppressWarnings(coef(glm(as.integer(g > cut) ~ x, family = binomial)))
    -b[[1]] / b[[2]]
  })
  c(cuts, predict(lm(x ~ g), data.frame(g = 0:2 + 0.5)))
}))
se <- apply(draws, 2, sd)

number <- function(x) paste0("[", paste(format(x, digits = 15, trim = TRUE), collapse = ", "), "]")
cat(sprintf('{"source": "%s, glm and lm",\n "student": %s,\n "measure": %s,\n "level": %s,\n "contrasting": %s,\n "borderline": %s,\n "contrasting_se": %s,\n "borderline_se": %s}\n',
  R.version.string, number(student), number(measure), number(level), number(contrasting), number(borderline),
  number(se[1:3]), number(se[4:6])))
