-- Phone numbers of the contact with the e-mail address $1
SELECT ccm.phones_of_address($1)
