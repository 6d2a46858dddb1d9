"""Forgetting a person, and telling everything that is known of one.

person     what of a record is whose, and the record without her: pure
finding    which leads and purchased data hold a person, by indexes
filtering  whatever is stored passes here: values of forgotten people are dropped
forgetting the preview, the first transaction, and the job that blanks what is there
listing    the forgotten list, kept in a file beside the database
reporting  everything known of one person
"""
