# Polychoric correlations by maximum likelihood (polycor), on tables printed below; association measures counted in base R.
library(polycor)
show <- function(name, m) {
  f <- polychor(m, ML = TRUE, std.err = TRUE, control = list(reltol = 1e-14, maxit = 5000, ndeps = rep(1e-5, sum(dim(m)) - 1)))
  cat(name, format(f$rho, digits = 12), format(sqrt(f$var[1, 1]), digits = 12), format(f$chisq, digits = 12), f$df, "\n")
  cat("  rows", format(f$row.cuts, digits = 10), "\n  cols", format(f$col.cuts, digits = 10), "\n")
}
print(R.version.string); print(packageVersion("polycor"))
vision <- matrix(c(1520,266,124,66, 234,1512,432,78, 117,362,1772,205, 36,82,179,492), 4, byrow = TRUE)
small <- matrix(c(13,6,1, 5,20,7, 2,4,26), 3, byrow = TRUE)
square <- matrix(c(40,12, 9,31), 2, byrow = TRUE)
wide <- matrix(c(8,3,1,0,0, 4,10,6,2,1, 1,5,12,9,4), 3, byrow = TRUE)
show("vision", vision); show("small", small); show("square", square); show("wide", wide)
for (m in list(vision, small, wide)) {
  i <- row(m); j <- col(m); x <- rep(i, m); y <- rep(j, m)
  cat("tau_b", format(cor(x, y, method = "kendall"), digits = 12), "\n")
}
for (m in list(vision, small, wide)) {
  con <- function(m) { r <- nrow(m); c <- ncol(m); s <- 0; for (i in 1:r) for (j in 1:c) { if (i < r && j < c) s <- s + m[i,j]*sum(m[(i+1):r,(j+1):c]) }; s }
  P <- con(m); Q <- con(m[, ncol(m):1]); cat("gamma", format((P-Q)/(P+Q), digits = 12), "somers", format((P-Q)/((sum(m)^2-sum(rowSums(m)^2))/2), digits = 12), "\n") }
