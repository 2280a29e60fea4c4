-- What holds for all contacts: $1 country code, $2 and $3 international and national prefix, $4 whether phones show open emails
UPDATE ccm.contact_setting
SET country_code = $1, international_prefix = $2, national_prefix = $3, show_on_phone = $4
