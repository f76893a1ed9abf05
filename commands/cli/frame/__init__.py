"""What every verb is made with: parameters, questions and lines, and how an answer is given. It knows no verb."""
