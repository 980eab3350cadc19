# The tag of the exception that longjmp throws; the compiler refers to it by this name.
    .globl __c_longjmp
    .tagtype __c_longjmp i32
__c_longjmp:
