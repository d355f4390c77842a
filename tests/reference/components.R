# Variance components by REML: R 4.2, lme4. Rscript components.R DATA_FOLDER > components.json
# DATA_FOLDER holds the public data sets as CSV: lme4_penicillin, insteval (lme4), sirt_ratings1 (sirt).
library(lme4)
folder <- commandArgs(TRUE)[1]
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e6))
read <- function(name) read.csv(file.path(folder, name))
fit <- function(formula, data) {
  m <- lmer(formula, data, REML = TRUE, control = tight)
  v <- as.data.frame(VarCorr(m))
  list(formula = deparse1(formula), n = nrow(data), criterion = REMLcrit(m),
       variance = as.list(setNames(v$vcov, v$grp)))
}
shrout <- data.frame(
  y = c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7),
  person = rep(1:6, each = 4), rater = rep(1:4, 6))
holes <- subset(shrout, !(person == 3 & rater == 1) & !(person == 2 & rater == 3))
# Every number of a made-up nested design: three places with a mean of their own, 4 raters each, two per person.
n <- 60
place <- rep(1:3, each = 20)
first <- (seq_len(n) - 1) %% 4
second <- (first + 1 + (seq_len(n) - 1) %% 3) %% 4
nested <- data.frame(person = rep(1:n, 2), place = rep(place, 2), rater = c(first, second) + 4 * (rep(place, 2) - 1))
i <- nested$person; j <- nested$rater
nested$y <- round(2 + ((i * 37) %% 11 - 5) / 3 + ((j * 17) %% 7 - 3) / 4 + ((i * 53 + j * 29) %% 13 - 6) / 8 + nested$place, 3)
penicillin <- read("lme4_penicillin.csv")
ratings1 <- read("sirt_ratings1.csv")
k1 <- subset(ratings1, item == "k1")
out <- list(
  versions = list(R = R.version.string, lme4 = as.character(packageVersion("lme4"))),
  shrout = fit(y ~ 1 + (1 | person) + (1 | rater), shrout),
  shrout_one_way = fit(y ~ 1 + (1 | person), shrout),
  holes = fit(y ~ 1 + (1 | person) + (1 | rater), holes),
  nested = c(fit(y ~ 0 + factor(place) + (1 | person) + (1 | rater), nested), list(y = nested$y, person = nested$person, rater = nested$rater, place = nested$place)),
  nested_one_mean = fit(y ~ 1 + (1 | person) + (1 | rater), nested),
  nested_random_place = fit(y ~ 1 + (1 | person) + (1 | rater) + (1 | place), nested),
  penicillin = fit(score ~ 1 + (1 | person) + (1 | rater), penicillin),
  insteval = fit(score ~ 1 + (1 | person) + (1 | rater), read("insteval.csv")),
  ratings1_k1 = fit(score ~ 1 + (1 | person) + (1 | rater), k1),
  ratings1_k1_one_way = fit(score ~ 1 + (1 | person), k1)
)
cat(jsonlite::toJSON(out, digits = NA, auto_unbox = TRUE))
