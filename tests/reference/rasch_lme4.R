# Binary ratings of 200 students by two of five trainers each on four criteria, and the Rasch model with facets as a
# generalised mixed model: R 4, lme4, 25 adaptive quadrature points. Writes rasch_lme4.json beside it.
library(lme4)
set.seed(6)
n <- 200; trainers <- 5; criteria <- 4
ability <- rnorm(n, 0, 1.3); severity <- c(-0.8, -0.3, 0, 0.4, 0.7); difficulty <- c(-0.9, -0.2, 0.3, 1)
rows <- do.call(rbind, lapply(seq_len(n), function(s) {
  expand.grid(student = s, trainer = sample(trainers, 2), criterion = seq_len(criteria))
}))
rows$score <- rbinom(nrow(rows), 1, plogis(ability[rows$student] - severity[rows$trainer] - difficulty[rows$criterion]))
contrast <- contr.sum(trainers)
fit <- glmer(score ~ 0 + factor(criterion) + C(factor(trainer), contrast) + (1 | student), rows, binomial, nAGQ = 25,
             control = glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e5), tolPwrss = 1e-10))
beta <- fixef(fit)
json <- function(x) paste0("[", paste(format(x, digits = 8, trim = TRUE), collapse = ", "), "]")
# With adaptive quadrature lme4's deviance leaves a constant out; its log-likelihood by logLik() is absolute only for
# the Laplace approximation, so the likelihood is integrated here at lme4's estimates.
eta <- function(theta) {
  location <- beta[rows$criterion] + drop(contrast %*% beta[criteria + seq_len(trainers - 1)])[rows$trainer]
  sapply(theta, function(t) tapply(ifelse(rows$score == 1, plogis(t + location, log.p = TRUE),
                                          plogis(-t - location, log.p = TRUE)), rows$student, sum))
}
sd <- sqrt(VarCorr(fit)$student[1])
nodes <- seq(-9, 9, length.out = 361) * sd
deviance <- -2 * sum(log(exp(eta(nodes)) %*% (dnorm(nodes, 0, sd) * (nodes[2] - nodes[1]))))
cat(sprintf(paste0('{\n"source": "%s, lme4 %s",\n"criterion": %s,\n"trainer": %s,\n"sd": %.7f,\n"deviance": %.7f,\n',
                   '"ratings": [\n%s,\n%s,\n%s,\n%s]\n}\n'),
            R.version.string, packageVersion("lme4"), json(beta[seq_len(criteria)]),
            json(drop(contrast %*% beta[criteria + seq_len(trainers - 1)])), sd, deviance,
            json(rows$student - 1), json(rows$trainer - 1), json(rows$criterion - 1), json(rows$score)),
    file = "rasch_lme4.json")
