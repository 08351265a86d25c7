# Writes proc_paired.json: DeLong's paired test of pROC between the markers of its own aSAH data,
# whose values lie in proc_auc.json (Turck et al. 2010, Intensive Care Med 36:107-115; pROC: Robin
# et al. 2011, BMC Bioinformatics 12:77). Run: Rscript proc_paired.R > proc_paired.json
suppressMessages(library(pROC))
data(aSAH)

curve <- function(name) roc(aSAH$outcome, aSAH[[name]], levels = c("Good", "Poor"), direction = "<", quiet = TRUE)

paired <- function(first, second) {
  one <- curve(first)
  other <- curve(second)
  test <- roc.test(one, other, method = "delong", paired = TRUE, conf.level = 0.95)
  narrow <- roc.test(one, other, method = "delong", paired = TRUE, conf.level = 0.90)
  sprintf(
    '    {\n      "first": "%s",\n      "second": "%s",\n      "difference": %.17g,\n      "covariance": %.17g,\n      "z": %.17g,\n      "p": %.17g,\n      "delong_95": [%.17g, %.17g],\n      "delong_90": [%.17g, %.17g]\n    }',
    first, second, as.numeric(auc(one)) - as.numeric(auc(other)), cov(one, other, method = "delong"),
    test$statistic, test$p.value, test$conf.int[1], test$conf.int[2], narrow$conf.int[1], narrow$conf.int[2]
  )
}

cat("{\n")
cat(sprintf('  "source": "pROC %s roc.test(paired = TRUE), data aSAH (Turck et al. 2010), R %s.%s",\n',
  packageVersion("pROC"), R.version$major, R.version$minor))
cat('  "made_by": "proc_paired.R",\n  "pairs": [\n')
cat(paste(c(paired("s100b", "ndka"), paired("wfns", "s100b"), paired("ndka", "wfns")), collapse = ",\n"))
cat("\n  ]\n}\n")
