"""What every door needs and none of them is: cautions, letters, outcomes, pupils, the page of what is due.

It prints nothing and knows no command line.
"""
