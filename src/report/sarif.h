/*
 * The parts of a SARIF log (OASIS SARIF 2.1.0) that are long enough to stand alone.
 */
#pragma once

#include "report/report.h"

/* One entry of tool.driver.rules: a reportingDescriptor (section 3.49), with the properties that
 * code scanning services read: tags, precision, security-severity. */
void sarif_add_rule(struct buf *buf, const struct rule_info *rule);

/* FILE as a URI reference (RFC 3986): every byte that is not unreserved or "/" is percent-encoded;
 * a relative path stays relative, without a leading "./"; an absolute one becomes file:///... */
void sarif_add_uri(struct buf *buf, struct str file);

/* TEXT as the text of a message object (section 3.11): plain text in which "[a](b)" would be a
 * link. Input must not be able to make links, so brackets are escaped where it tries. */
void sarif_add_message(struct buf *buf, struct str text);
