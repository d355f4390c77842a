# What base R, MASS and polycor say of the measures of agreement with a second evaluation, on data printed beside.
# Rscript tests/reference/concordance.R > tests/reference/concordance.json
suppressMessages({library(MASS); library(polycor)})
set.seed(20)
n <- 150
x1 <- round(rnorm(n), 2); x2 <- round(0.6 * x1 + rnorm(n), 2); x3 <- round(rnorm(n), 2)
latent <- 0.9 * x1 + 0.4 * x2 + rlogis(n)
y <- as.integer(cut(latent, c(-Inf, -1, 0.5, 1.5, Inf))) - 1
v <- function(z) paste0("[", paste(vapply(as.vector(z), function(a) trimws(formatC(a, digits = 12, format = "g")), ""), collapse = ", "), "]")
one <- function(a) trimws(formatC(a, digits = 12, format = "g"))
X <- cbind(x1, x2, x3)
fit <- polr(factor(y) ~ x1 + x2 + x3, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000))
fit <- polr(factor(y) ~ x1 + x2 + x3, Hess = TRUE, start = c(coef(fit), fit$zeta), control = list(reltol = 1e-16, maxit = 5000))
# Brant (1990): binary regressions and the covariance of their slopes, worked out from his formulas.
k <- max(y); D <- cbind(1, X); b <- list(); p <- list(); inv <- list()
for (j in 1:k) { g <- glm(as.integer(y >= j) ~ X, family = binomial, control = list(epsilon = 1e-14)); b[[j]] <- coef(g)[-1]; p[[j]] <- fitted(g); inv[[j]] <- solve(t(D) %*% diag(p[[j]] * (1 - p[[j]])) %*% D) }
V <- matrix(0, 3 * k, 3 * k)
for (j in 1:k) for (l in 1:k) { w <- p[[max(j, l)]] - p[[j]] * p[[l]]; V[(3*j-2):(3*j), (3*l-2):(3*l)] <- (inv[[j]] %*% (t(D) %*% diag(w) %*% D) %*% inv[[l]])[-1, -1] }
beta <- unlist(b)
wald <- function(C) { d <- C %*% beta; drop(t(d) %*% solve(C %*% V %*% t(C)) %*% d) }
I3 <- diag(3); C <- rbind(cbind(I3, -I3, 0 * I3), cbind(I3, 0 * I3, -I3))
each <- sapply(1:3, function(t) wald(C[c(t, 3 + t), ]))
# Dominance: every order of entry, by lm.
orders <- list(c(1,2,3), c(1,3,2), c(2,1,3), c(2,3,1), c(3,1,2), c(3,2,1))
gain <- rep(0, 3)
for (o in orders) { old <- 0; for (s in 1:3) { r2 <- summary(lm(latent ~ X[, o[1:s]]))$r.squared; gain[o[s]] <- gain[o[s]] + r2 - old; old <- r2 } }
serial <- sapply(1:3, function(t) polyserial(X[, t], y, ML = FALSE))
# ROC: DeLong's placements, one pair after the other.
good <- y >= 2; s <- round(x1, 1)
psi <- outer(s[good], s[!good], function(a, b) (a > b) + 0.5 * (a == b))
v10 <- rowMeans(psi); v01 <- colMeans(psi)
# Share on one level and kappa expected under a latent correlation of .8 with given margins.
library(mvtnorm)
cells <- function(rho, a, b) { ca <- c(-Inf, qnorm(cumsum(a)[-length(a)]), Inf); cb <- c(-Inf, qnorm(cumsum(b)[-length(b)]), Inf)
  outer(seq_along(a), seq_along(b), Vectorize(function(i, j) pmvnorm(c(ca[i], cb[j]), c(ca[i+1], cb[j+1]), corr = matrix(c(1, rho, rho, 1), 2))[1])) }
T <- cells(0.8, c(.2, .5, .3), c(.4, .4, .2))
cat('{"made_by": "', R.version.string, ', MASS ', as.character(packageVersion("MASS")), ', polycor ', as.character(packageVersion("polycor")), ', mvtnorm ', as.character(packageVersion("mvtnorm")), '",\n', sep = "")
cat(' "x": [', v(x1), ', ', v(x2), ', ', v(x3), '],\n "y": ', v(y), ', "latent": ', v(latent), ',\n', sep = "")
cat(' "polr": {"slopes": ', v(coef(fit)), ', "cuts": ', v(fit$zeta), ', "se": ', v(sqrt(diag(vcov(fit)))), ', "log_likelihood": ', one(logLik(fit)), '},\n', sep = "")
cat(' "brant": {"statistic": ', one(wald(C)), ', "df": 6, "each": ', v(each), '},\n', sep = "")
cat(' "dominance": ', v(gain / 6), ', "polyserial": ', v(serial), ',\n', sep = "")
cat(' "measure": ', v(s), ',\n "auc": {"value": ', one(mean(psi)), ', "se": ', one(sqrt(var(v10) / sum(good) + var(v01) / sum(!good))), '},\n', sep = "")
cat(' "expected": ', v(t(T)), '}\n', sep = "")
