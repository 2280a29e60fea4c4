-- What holds for all contacts
SELECT country_code, international_prefix, national_prefix, show_on_phone FROM ccm.contact_setting
