"""The codes of problems, a file for each group. Codes of advice are beside their rules (`lint.rules`).

DRG00  Dragoman itself        DRG05  not attached: nothing leads there
DRG01  reading                DRG06  TLS and certificates
DRG02  wrong in itself        DRG07  advice
DRG03  what is named          DRG09  silences
DRG04  conflicts
"""
