/* xml: text as XML and HTML take it. What is no character of XML 1.0 (most controls, U+FFFE, U+FFFF,
 * bytes that are no UTF-8) becomes U+FFFD, so that every parser reads what is written. Appended.
 */
#ifndef FT_WEB_XML_H
#define FT_WEB_XML_H

#include "../base/buf.h"

/* Escaped for the content of elements, and for attribute values in double quotes whose white space
 * does not matter. */
void xml_text(struct span text, struct buf *b);
void xml_str(const char *text, struct buf *b);
/* For attribute values in double quotes: tabs and line ends survive a parser's normalization (XML
 * 1.0, 3.3.3). */
void xml_attribute(struct span text, struct buf *b);

#endif
