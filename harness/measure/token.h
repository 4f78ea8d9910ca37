/* Words and operators of the short texts that people write: "rto <= 20s", "failed > 90% for 30s". */
#ifndef DRILL_MEASURE_TOKEN_H
#define DRILL_MEASURE_TOKEN_H

struct token {
    char text[48]; /* "" at the end; a longer word goes on in the next token */
};

/* Read one word or operator; returns where to go on. */
const char *token_next(const char *text, struct token *ret_token);
/* The same for a number with its unit, which may stand apart: "20 s" and "30 %" are "20s" and "30%". `but` is a word that is no unit
 * ("of"); NULL: none. */
const char *token_value(const char *text, const char *but, struct token *ret_token);

#endif
