/* difference: the script and the style of pages that show what one text has other than another:
 * member by member where both are JSON, else word by word. Other scripts stand behind it:
 *
 *	difference(was, is)	an element that shows what went and what came
 *	el(tag, text, class)	an element with a text, in which what is odd is seen
 *	parsed(text), pretty(v)	JSON from and to text, numbers as they are written
 */
#ifndef FT_WEB_DIFFERENCE_H
#define FT_WEB_DIFFERENCE_H

extern const char difference_script[], difference_style[];

#endif
