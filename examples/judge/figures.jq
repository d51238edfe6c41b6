# The line of ft-judge --agree to sentences.
include "search";
"agreement \(.agreement | figure), TPR \(.tpr | figure), TNR \(.tnr | figure) on \(.n) rows",
(.corrected // empty | "of \(.n) rows that nobody judged people would pass \(.rogan_gladen | figure); the judge passes \(.raw | figure)")
