"""The ladder from a notice to improve to a prosecution, and what a referral to the authority needs."""
