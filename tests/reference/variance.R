# Components of lme4 on the data of the packages named; the rest of variance.json is copied from
# Brennan (2001) as printed in the tests of GeneralizIT, and from R gtheory 0.1.2 and lme4 1.1-31.
library(lme4)
print(R.version.string); print(packageVersion("lme4"))
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
m <- lmer(diameter ~ 1 + (1 | plate) + (1 | sample), Penicillin, control = control)
print(as.data.frame(VarCorr(m))[, c("grp", "vcov")], digits = 10); print(REMLcrit(m), digits = 12)
