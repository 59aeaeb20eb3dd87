"""Which player plays in which way: the table of ``docs/interop.md``. Not part of the product.

Plain values are in ``ways`` and ``cells``, text is made in ``report``, the rest runs programs.
"""
