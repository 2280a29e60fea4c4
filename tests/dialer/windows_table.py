"""Moments at which a call is lawful or not, by what the laws say and calendars show.

One line each: place; moment; open or closed; words of the reason. A moment is local time in the
first zone of the place, with its weekday, or UTC with a Z behind it. Nothing of this was taken from
what the program says.
"""

PLACES = """
Atlanta        US-GA  America/New_York
Chicago        US-IL  America/Chicago
Denver         US-CO  America/Denver
Los Angeles    US-CA  America/Los_Angeles
Phoenix        US-AZ  America/Phoenix
Anchorage      US-AK  America/Anchorage
Honolulu       US-HI  Pacific/Honolulu
Guam           US-GU  Pacific/Guam
Indianapolis   US-IN  America/Indiana/Indianapolis
Miami          US-FL  America/New_York
Pensacola      US-FL  America/Chicago
Panhandle      US-FL  America/New_York America/Chicago
Birmingham     US-AL  America/Chicago
New Orleans    US-LA  America/Chicago
Boston         US-MA  America/New_York
Baltimore      US-MD  America/New_York
Jackson        US-MS  America/Chicago
Tulsa          US-OK  America/Chicago
Seattle        US-WA  America/Los_Angeles
Hartford       US-CT  America/New_York
Las Vegas      US-NV  America/Los_Angeles
Louisville     US-KY  America/New_York
Detroit        US-MI  America/Detroit
Minneapolis    US-MN  America/Chicago
Santa Fe       US-NM  America/Denver
Providence     US-RI  America/New_York
Houston        US-TX  America/Chicago
El Paso        US-TX  America/Denver
Texas          US-TX  America/Chicago America/Denver
Provo          US-UT  America/Denver
Sioux Falls    US-SD  America/Chicago
Scranton       US-PA  America/New_York
Coasts         -      America/New_York America/Los_Angeles
Moved          US-CA,US-FL  America/Los_Angeles America/New_York
Sailor         US-NY  America/New_York Pacific/Honolulu
Commuter       US-CT,US-RI  America/New_York
Antipodes      -      America/New_York Asia/Shanghai
St Johns       CA-NL  America/St_Johns
Toronto        CA-ON  America/Toronto
Kolkata        -      Asia/Kolkata
Kathmandu      -      Asia/Kathmandu
Adelaide       -      Australia/Adelaide
Lord Howe      -      Australia/Lord_Howe
Tehran         -      Asia/Tehran
London         -      Europe/London
Traveller      -      Europe/London Europe/Berlin
"""

US_FTC = """
# -- 8:00 to 21:00 where no state is narrower (2026-03-10 is a Tuesday, in summer time)
Atlanta       ; Tue 2026-03-10 07:59 ; closed ; only 08:00-21:00
Atlanta       ; Tue 2026-03-10 08:00 ; open   ; until 21:00
Atlanta       ; Tue 2026-03-10 20:59 ; open   ; until 21:00
Atlanta       ; Tue 2026-03-10 21:00 ; closed ; only 08:00-21:00
Atlanta       ; Sun 2026-03-15 08:00 ; open   ; until 21:00
Atlanta       ; Sun 2026-03-15 21:00 ; closed ; Sundays: only 08:00-21:00
Chicago       ; Tue 2026-03-10 07:59 ; closed ; America/Chicago
Chicago       ; Tue 2026-03-10 08:00 ; open   ; America/Chicago
Chicago       ; Tue 2026-03-10 20:59 ; open   ; until 21:00
Chicago       ; Tue 2026-03-10 21:00 ; closed ; it is 21:00 on Tuesday
Denver        ; Sat 2026-03-14 07:59 ; closed ; it is 07:59 on Saturday
Denver        ; Sat 2026-03-14 08:00 ; open   ; America/Denver
Denver        ; Sat 2026-03-14 20:59 ; open   ; America/Denver
Denver        ; Sat 2026-03-14 21:00 ; closed ; America/Denver
Los Angeles   ; Wed 2026-07-15 07:59 ; closed ; only 08:00-21:00
Los Angeles   ; Wed 2026-07-15 08:00 ; open   ; America/Los_Angeles
Los Angeles   ; Wed 2026-07-15 20:59 ; open   ; America/Los_Angeles
Los Angeles   ; Wed 2026-07-15 21:00 ; closed ; America/Los_Angeles
Anchorage     ; Thu 2026-12-17 07:59 ; closed ; America/Anchorage
Anchorage     ; Thu 2026-12-17 08:00 ; open   ; America/Anchorage
Anchorage     ; Thu 2026-12-17 20:59 ; open   ; America/Anchorage
Anchorage     ; Thu 2026-12-17 21:00 ; closed ; America/Anchorage
Honolulu      ; Fri 2026-12-18 07:59 ; closed ; Pacific/Honolulu
Honolulu      ; Fri 2026-12-18 08:00 ; open   ; Pacific/Honolulu
Honolulu      ; Fri 2026-12-18 20:59 ; open   ; Pacific/Honolulu
Honolulu      ; Fri 2026-12-18 21:00 ; closed ; Pacific/Honolulu
Atlanta       ; Thu 2026-11-26 12:00 ; open   ; until 21:00
Atlanta       ; Fri 2026-12-25 12:00 ; open   ; until 21:00
Atlanta       ; Wed 2026-06-10 00:00 ; closed ; only 08:00-21:00
Atlanta       ; Wed 2026-06-10 23:59 ; closed ; only 08:00-21:00
# -- states with 8:00 to 20:00
Miami         ; Tue 2026-03-10 07:59 ; closed ; US-FL allows calls on Tuesdays: only 08:00-20:00
Miami         ; Tue 2026-03-10 08:00 ; open   ; US-FL allows calls until 20:00
Miami         ; Tue 2026-03-10 19:59 ; open   ; until 20:00
Miami         ; Tue 2026-03-10 20:00 ; closed ; US-FL
Miami         ; Sun 2026-03-15 19:59 ; open   ; until 20:00
Birmingham    ; Tue 2026-03-10 07:59 ; closed ; US-AL
Birmingham    ; Tue 2026-03-10 08:00 ; open   ; US-AL allows calls until 20:00
Birmingham    ; Tue 2026-03-10 19:59 ; open   ; until 20:00
Birmingham    ; Tue 2026-03-10 20:00 ; closed ; US-AL
New Orleans   ; Tue 2026-03-10 07:59 ; closed ; US-LA
New Orleans   ; Tue 2026-03-10 08:00 ; open   ; until 20:00
New Orleans   ; Tue 2026-03-10 19:59 ; open   ; until 20:00
New Orleans   ; Tue 2026-03-10 20:00 ; closed ; US-LA
Boston        ; Tue 2026-03-10 07:59 ; closed ; US-MA
Boston        ; Tue 2026-03-10 08:00 ; open   ; until 20:00
Boston        ; Tue 2026-03-10 19:59 ; open   ; until 20:00
Boston        ; Tue 2026-03-10 20:00 ; closed ; US-MA
Baltimore     ; Sun 2026-03-15 07:59 ; closed ; US-MD
Baltimore     ; Sun 2026-03-15 08:00 ; open   ; until 20:00
Baltimore     ; Sun 2026-03-15 19:59 ; open   ; until 20:00
Baltimore     ; Sun 2026-03-15 20:00 ; closed ; US-MD
Jackson       ; Sat 2026-03-14 07:59 ; closed ; US-MS
Jackson       ; Sat 2026-03-14 08:00 ; open   ; until 20:00
Jackson       ; Sat 2026-03-14 19:59 ; open   ; until 20:00
Jackson       ; Sat 2026-03-14 20:00 ; closed ; US-MS
Tulsa         ; Tue 2026-03-10 07:59 ; closed ; US-OK
Tulsa         ; Tue 2026-03-10 08:00 ; open   ; until 20:00
Tulsa         ; Tue 2026-03-10 19:59 ; open   ; until 20:00
Tulsa         ; Tue 2026-03-10 20:00 ; closed ; US-OK
Seattle       ; Tue 2026-03-10 07:59 ; closed ; US-WA
Seattle       ; Tue 2026-03-10 08:00 ; open   ; until 20:00
Seattle       ; Tue 2026-03-10 19:59 ; open   ; until 20:00
Seattle       ; Tue 2026-03-10 20:00 ; closed ; US-WA
# -- states that begin later
Hartford      ; Tue 2026-03-10 08:59 ; closed ; US-CT allows calls on Tuesdays: only 09:00-20:00
Hartford      ; Tue 2026-03-10 09:00 ; open   ; US-CT allows calls until 20:00
Hartford      ; Tue 2026-03-10 19:59 ; open   ; until 20:00
Hartford      ; Tue 2026-03-10 20:00 ; closed ; US-CT
Las Vegas     ; Tue 2026-03-10 08:59 ; closed ; US-NV
Las Vegas     ; Tue 2026-03-10 09:00 ; open   ; US-NV allows calls until 20:00
Las Vegas     ; Tue 2026-03-10 19:59 ; open   ; until 20:00
Las Vegas     ; Tue 2026-03-10 20:00 ; closed ; US-NV
Louisville    ; Tue 2026-03-10 09:59 ; closed ; US-KY allows calls on Tuesdays: only 10:00-21:00
Louisville    ; Tue 2026-03-10 10:00 ; open   ; until 21:00
Louisville    ; Tue 2026-03-10 20:59 ; open   ; until 21:00
Louisville    ; Tue 2026-03-10 21:00 ; closed ; US-KY
Detroit       ; Tue 2026-03-10 08:59 ; closed ; US-MI
Detroit       ; Tue 2026-03-10 09:00 ; open   ; until 21:00
Minneapolis   ; Tue 2026-03-10 08:59 ; closed ; US-MN
Minneapolis   ; Tue 2026-03-10 09:00 ; open   ; until 21:00
Santa Fe      ; Tue 2026-03-10 08:59 ; closed ; US-NM
Santa Fe      ; Tue 2026-03-10 09:00 ; open   ; until 21:00
# -- states whose hours differ by day
Providence    ; Tue 2026-03-10 08:59 ; closed ; US-RI allows calls on Tuesdays: only 09:00-18:00
Providence    ; Tue 2026-03-10 09:00 ; open   ; US-RI allows calls until 18:00
Providence    ; Tue 2026-03-10 17:59 ; open   ; until 18:00
Providence    ; Tue 2026-03-10 18:00 ; closed ; US-RI
Providence    ; Sat 2026-03-14 09:59 ; closed ; US-RI allows calls on Saturdays: only 10:00-17:00
Providence    ; Sat 2026-03-14 10:00 ; open   ; until 17:00
Providence    ; Sat 2026-03-14 16:59 ; open   ; until 17:00
Providence    ; Sat 2026-03-14 17:00 ; closed ; US-RI
Providence    ; Sun 2026-03-15 12:00 ; closed ; US-RI allows calls on Sundays: none
Houston       ; Tue 2026-03-10 08:59 ; closed ; US-TX
Houston       ; Tue 2026-03-10 09:00 ; open   ; until 21:00
Houston       ; Sat 2026-03-14 20:59 ; open   ; until 21:00
Houston       ; Sat 2026-03-14 21:00 ; closed ; US-TX
Houston       ; Sun 2026-03-15 11:59 ; closed ; US-TX allows calls on Sundays: only 12:00-21:00
Houston       ; Sun 2026-03-15 12:00 ; open   ; until 21:00
Houston       ; Sun 2026-03-15 20:59 ; open   ; until 21:00
Houston       ; Sun 2026-03-15 21:00 ; closed ; US-TX
Sioux Falls   ; Fri 2026-03-13 08:59 ; closed ; US-SD
Sioux Falls   ; Fri 2026-03-13 09:00 ; open   ; until 21:00
Sioux Falls   ; Fri 2026-03-13 20:59 ; open   ; until 21:00
Sioux Falls   ; Sat 2026-03-14 12:00 ; closed ; US-SD allows calls on Saturdays: none
Sioux Falls   ; Sun 2026-03-15 12:00 ; closed ; US-SD allows calls on Sundays: none
# -- Sundays
Birmingham    ; Sun 2026-03-15 12:00 ; closed ; US-AL allows calls on Sundays: none
New Orleans   ; Sun 2026-03-15 12:00 ; closed ; US-LA allows calls on Sundays: none
Jackson       ; Sun 2026-03-15 12:00 ; closed ; US-MS allows calls on Sundays: none
Provo         ; Sun 2026-03-15 12:00 ; closed ; US-UT allows calls on Sundays: none
Provo         ; Sat 2026-03-14 20:59 ; open   ; until 21:00
Provo         ; Mon 2026-03-16 08:00 ; open   ; until 21:00
Scranton      ; Sun 2026-03-15 12:00 ; open   ; until 21:00
# -- holidays of 2026 and 2027: Alabama (also on Friday for Saturday, and Monday for Sunday)
Birmingham    ; Thu 2026-01-01 12:00 ; closed ; New Year's Day
Birmingham    ; Mon 2026-01-19 12:00 ; closed ; Martin Luther King
Birmingham    ; Mon 2026-02-16 12:00 ; closed ; Washington's Birthday
Birmingham    ; Tue 2026-02-17 12:00 ; closed ; Mardi Gras
Birmingham    ; Fri 2026-04-03 12:00 ; open   ; until 20:00
Birmingham    ; Mon 2026-04-27 12:00 ; closed ; Confederate Memorial Day
Birmingham    ; Mon 2026-05-25 12:00 ; closed ; Memorial Day
Birmingham    ; Mon 2026-06-01 12:00 ; closed ; Jefferson Davis
Birmingham    ; Fri 2026-06-19 12:00 ; closed ; Juneteenth
Birmingham    ; Fri 2026-07-03 12:00 ; closed ; Independence Day
Birmingham    ; Sat 2026-07-04 12:00 ; closed ; Independence Day
Birmingham    ; Mon 2027-07-05 12:00 ; closed ; Independence Day
Birmingham    ; Mon 2026-09-07 12:00 ; closed ; Labor Day
Birmingham    ; Mon 2026-10-12 12:00 ; closed ; Columbus Day
Birmingham    ; Wed 2026-11-11 12:00 ; closed ; Veterans Day
Birmingham    ; Thu 2026-11-26 12:00 ; closed ; Thanksgiving Day
Birmingham    ; Fri 2026-11-27 12:00 ; open   ; until 20:00
Birmingham    ; Tue 2026-12-01 12:00 ; closed ; Rosa L. Parks
Birmingham    ; Fri 2026-12-25 12:00 ; closed ; Christmas Day
Birmingham    ; Mon 2022-12-26 12:00 ; closed ; Christmas Day
Birmingham    ; Fri 2021-12-31 12:00 ; closed ; New Year's Day
# -- Louisiana
New Orleans   ; Tue 2026-02-17 12:00 ; closed ; Mardi Gras
New Orleans   ; Tue 2027-02-09 12:00 ; closed ; Mardi Gras
New Orleans   ; Mon 2026-02-16 12:00 ; open   ; until 20:00
New Orleans   ; Fri 2026-04-03 12:00 ; closed ; Good Friday
New Orleans   ; Fri 2027-03-26 12:00 ; closed ; Good Friday
New Orleans   ; Thu 2026-04-02 12:00 ; open   ; until 20:00
New Orleans   ; Tue 2026-11-03 12:00 ; closed ; Election Day
New Orleans   ; Tue 2027-11-02 12:00 ; open   ; until 20:00
New Orleans   ; Thu 2026-11-26 12:00 ; closed ; Thanksgiving Day
New Orleans   ; Fri 2026-11-27 12:00 ; closed ; the day after Thanksgiving
New Orleans   ; Sat 2026-11-28 12:00 ; open   ; until 20:00
# -- Pennsylvania
Scranton      ; Mon 2026-02-16 12:00 ; closed ; Washington's Birthday
Scranton      ; Fri 2026-04-03 12:00 ; closed ; Good Friday
Scranton      ; Sun 2026-06-14 12:00 ; closed ; Flag Day
Scranton      ; Mon 2026-06-15 12:00 ; closed ; Flag Day
Scranton      ; Fri 2026-06-19 12:00 ; open   ; until 21:00
Scranton      ; Fri 2026-07-03 12:00 ; open   ; until 21:00
Scranton      ; Sat 2026-07-04 12:00 ; closed ; Independence Day
Scranton      ; Tue 2026-11-03 12:00 ; closed ; Election Day
Scranton      ; Tue 2027-11-02 12:00 ; closed ; Election Day
Scranton      ; Thu 2026-11-26 12:00 ; closed ; Thanksgiving Day
Scranton      ; Fri 2026-11-27 12:00 ; open   ; until 21:00
# -- Rhode Island
Providence    ; Mon 2026-05-04 12:00 ; closed ; Rhode Island Independence Day
Providence    ; Mon 2026-08-10 12:00 ; closed ; Victory Day
Providence    ; Mon 2027-08-09 12:00 ; closed ; Victory Day
Providence    ; Fri 2026-07-03 12:00 ; open   ; until 18:00
Providence    ; Mon 2026-07-06 12:00 ; closed ; Independence Day
Providence    ; Tue 2026-11-03 12:00 ; closed ; Election Day
Providence    ; Tue 2027-11-02 12:00 ; open   ; until 18:00
Providence    ; Fri 2026-06-19 12:00 ; closed ; Juneteenth
Providence    ; Mon 2021-12-27 12:00 ; closed ; Christmas Day
# -- Utah
Provo         ; Mon 2026-06-15 12:00 ; closed ; Juneteenth
Provo         ; Mon 2027-06-21 12:00 ; closed ; Juneteenth
Provo         ; Fri 2026-07-24 12:00 ; closed ; Pioneer Day
Provo         ; Fri 2027-07-23 12:00 ; closed ; Pioneer Day
Provo         ; Fri 2026-04-03 12:00 ; open   ; until 21:00
Provo         ; Fri 2027-03-26 12:00 ; closed ; Good Friday
Provo         ; Mon 2026-10-12 12:00 ; closed ; Columbus Day
Denver        ; Fri 2026-07-24 12:00 ; open   ; until 21:00
Jackson       ; Thu 2026-11-26 12:00 ; open   ; until 20:00
# -- a holiday lasts from midnight to midnight where the party is
New Orleans   ; 2026-11-26 13:59Z    ; closed ; Thanksgiving Day
New Orleans   ; 2026-11-27 01:59Z    ; closed ; 2026-11-26 is Thanksgiving Day
New Orleans   ; 2026-11-27 06:00Z    ; closed ; the day after Thanksgiving
New Orleans   ; 2026-11-28 14:00Z    ; open   ; until 20:00
Provo         ; 2027-01-01 02:00Z    ; open   ; until 21:00
Provo         ; 2027-01-01 16:00Z    ; closed ; New Year's Day
# -- clocks go forward on 2026-03-08 and back on 2026-11-01 in most of the US
Atlanta       ; 2026-03-07 12:59Z    ; closed ; it is 07:59 on Saturday
Atlanta       ; 2026-03-07 13:00Z    ; open   ; until 21:00
Atlanta       ; 2026-03-08 01:59Z    ; open   ; until 21:00
Atlanta       ; 2026-03-08 02:00Z    ; closed ; it is 21:00 on Saturday
Atlanta       ; 2026-03-08 11:59Z    ; closed ; it is 07:59 on Sunday
Atlanta       ; 2026-03-08 12:00Z    ; open   ; until 21:00
Atlanta       ; 2026-03-09 00:59Z    ; open   ; until 21:00
Atlanta       ; 2026-03-09 01:00Z    ; closed ; it is 21:00 on Sunday
Atlanta       ; 2026-10-31 12:00Z    ; open   ; until 21:00
Atlanta       ; 2026-11-01 00:59Z    ; open   ; until 21:00
Atlanta       ; 2026-11-01 12:59Z    ; closed ; it is 07:59 on Sunday
Atlanta       ; 2026-11-01 13:00Z    ; open   ; until 21:00
Atlanta       ; 2026-11-02 01:59Z    ; open   ; until 21:00
Atlanta       ; 2026-11-02 02:00Z    ; closed ; it is 21:00 on Sunday
Miami         ; 2026-03-08 23:59Z    ; open   ; until 20:00
Miami         ; 2026-03-09 00:00Z    ; closed ; US-FL
Miami         ; 2026-11-02 00:59Z    ; open   ; until 20:00
Miami         ; 2026-11-02 01:00Z    ; closed ; US-FL
Chicago       ; 2026-03-08 12:59Z    ; closed ; it is 07:59
Chicago       ; 2026-03-08 13:00Z    ; open   ; until 21:00
Chicago       ; 2026-11-01 13:59Z    ; closed ; it is 07:59
Chicago       ; 2026-11-01 14:00Z    ; open   ; until 21:00
Los Angeles   ; 2026-03-08 14:59Z    ; closed ; it is 07:59
Los Angeles   ; 2026-03-08 15:00Z    ; open   ; until 21:00
Los Angeles   ; 2026-11-01 15:59Z    ; closed ; it is 07:59
Los Angeles   ; 2026-11-01 16:00Z    ; open   ; until 21:00
# -- Arizona and Hawaii keep their clocks; Indiana kept them until 2006
Phoenix       ; 2026-03-07 15:00Z    ; open   ; America/Phoenix
Phoenix       ; 2026-03-08 14:59Z    ; closed ; it is 07:59
Phoenix       ; 2026-03-08 15:00Z    ; open   ; until 21:00
Phoenix       ; 2026-07-15 14:59Z    ; closed ; it is 07:59
Phoenix       ; 2026-07-15 15:00Z    ; open   ; until 21:00
Phoenix       ; 2026-07-16 03:59Z    ; open   ; until 21:00
Phoenix       ; 2026-11-01 15:00Z    ; open   ; until 21:00
Denver        ; 2026-07-15 14:00Z    ; open   ; until 21:00
Denver        ; 2026-12-15 14:59Z    ; closed ; it is 07:59
Honolulu      ; 2026-03-08 17:59Z    ; closed ; it is 07:59
Honolulu      ; 2026-03-08 18:00Z    ; open   ; until 21:00
Honolulu      ; 2026-11-01 18:00Z    ; open   ; until 21:00
Honolulu      ; 2026-11-02 06:59Z    ; open   ; until 21:00
Honolulu      ; 2026-11-02 07:00Z    ; closed ; it is 21:00 on Sunday
Indianapolis  ; 2005-07-05 12:59Z    ; closed ; it is 07:59
Indianapolis  ; 2005-07-05 13:00Z    ; open   ; until 21:00
Indianapolis  ; 2006-07-05 11:59Z    ; closed ; it is 07:59
Indianapolis  ; 2006-07-05 12:00Z    ; open   ; until 21:00
Indianapolis  ; 2026-11-01 12:59Z    ; closed ; it is 07:59
Indianapolis  ; 2026-11-01 13:00Z    ; open   ; until 21:00
# -- over the date line
Guam          ; 2026-03-09 22:00Z    ; open   ; until 21:00
Guam          ; 2026-03-10 10:59Z    ; open   ; until 21:00
Guam          ; 2026-03-10 11:00Z    ; closed ; it is 21:00 on Tuesday
# -- zones off by half an hour or a quarter
St Johns      ; 2026-01-15 11:29Z    ; closed ; it is 07:59
St Johns      ; 2026-01-15 11:30Z    ; open   ; until 21:00
St Johns      ; 2026-07-15 10:29Z    ; closed ; it is 07:59
St Johns      ; 2026-07-15 10:30Z    ; open   ; until 21:00
St Johns      ; 2026-03-08 10:30Z    ; open   ; until 21:00
Kolkata       ; 2026-07-15 02:29Z    ; closed ; it is 07:59
Kolkata       ; 2026-07-15 02:30Z    ; open   ; until 21:00
Kolkata       ; 2026-07-15 15:29Z    ; open   ; until 21:00
Kolkata       ; 2026-07-15 15:30Z    ; closed ; it is 21:00
Kathmandu     ; 2026-07-15 02:14Z    ; closed ; it is 07:59
Kathmandu     ; 2026-07-15 02:15Z    ; open   ; until 21:00
Kathmandu     ; 2026-07-15 15:15Z    ; closed ; it is 21:00
Adelaide      ; 2026-01-14 21:29Z    ; closed ; it is 07:59 on Thursday
Adelaide      ; 2026-01-14 21:30Z    ; open   ; until 21:00
Adelaide      ; 2026-07-14 22:29Z    ; closed ; it is 07:59 on Wednesday
Adelaide      ; 2026-07-14 22:30Z    ; open   ; until 21:00
Lord Howe     ; 2026-01-14 20:59Z    ; closed ; it is 07:59
Lord Howe     ; 2026-01-14 21:00Z    ; open   ; until 21:00
Lord Howe     ; 2026-07-14 21:29Z    ; closed ; it is 07:59
Lord Howe     ; 2026-07-14 21:30Z    ; open   ; until 21:00
Tehran        ; 2026-07-15 04:29Z    ; closed ; it is 07:59
Tehran        ; 2026-07-15 04:30Z    ; open   ; until 21:00
Toronto       ; 2026-07-15 11:59Z    ; closed ; it is 07:59
Toronto       ; 2026-07-15 12:00Z    ; open   ; until 21:00
# -- several zones and states: all must allow it
Panhandle     ; Tue 2026-03-10 08:59 ; closed ; it is 07:59 on Tuesday in America/Chicago
Panhandle     ; Tue 2026-03-10 09:00 ; open   ; until 20:00 in America/New_York
Panhandle     ; Tue 2026-03-10 19:59 ; open   ; until 20:00 in America/New_York
Panhandle     ; Tue 2026-03-10 20:00 ; closed ; it is 20:00 on Tuesday in America/New_York
Pensacola     ; Tue 2026-03-10 19:59 ; open   ; until 20:00 in America/Chicago
Pensacola     ; Tue 2026-03-10 08:00 ; open   ; until 20:00 in America/Chicago
Coasts        ; Tue 2026-03-10 10:59 ; closed ; it is 07:59 on Tuesday in America/Los_Angeles
Coasts        ; Tue 2026-03-10 11:00 ; open   ; until 21:00 in America/New_York
Coasts        ; Tue 2026-03-10 20:59 ; open   ; until 21:00 in America/New_York
Coasts        ; Tue 2026-03-10 21:00 ; closed ; it is 21:00 on Tuesday in America/New_York
Moved         ; 2026-07-15 14:59Z    ; closed ; it is 07:59 on Wednesday in America/Los_Angeles
Moved         ; 2026-07-15 15:00Z    ; open   ; US-FL allows calls until 20:00 in America/New_York
Moved         ; 2026-07-15 23:59Z    ; open   ; US-FL
Moved         ; 2026-07-16 00:00Z    ; closed ; US-FL
Sailor        ; 2026-01-15 17:59Z    ; closed ; it is 07:59 on Thursday in Pacific/Honolulu
Sailor        ; 2026-01-15 18:00Z    ; open   ; until 21:00 in America/New_York
Sailor        ; 2026-01-16 01:59Z    ; open   ; until 21:00 in America/New_York
Sailor        ; 2026-01-16 02:00Z    ; closed ; America/New_York
Sailor        ; 2026-07-15 18:00Z    ; open   ; until 21:00 in America/New_York
Sailor        ; 2026-07-16 01:00Z    ; closed ; America/New_York
Commuter      ; Tue 2026-03-10 17:59 ; open   ; US-RI allows calls until 18:00
Commuter      ; Tue 2026-03-10 18:00 ; closed ; US-RI
Commuter      ; Sun 2026-03-15 12:00 ; closed ; US-RI allows calls on Sundays: none
Texas         ; Sun 2026-03-15 12:59 ; closed ; it is 11:59 on Sunday in America/Denver
Texas         ; Sun 2026-03-15 13:00 ; open   ; until 21:00 in America/Chicago
Texas         ; Sun 2026-03-15 21:00 ; closed ; America/Chicago
El Paso       ; Sun 2026-03-15 20:59 ; open   ; until 21:00 in America/Denver
Antipodes     ; 2026-01-15 01:30Z    ; open   ; until 21:00 in America/New_York
Antipodes     ; 2026-01-15 00:30Z    ; open   ; until 21:00 in America/New_York
Antipodes     ; 2026-01-14 23:59Z    ; closed ; it is 07:59 on Thursday in Asia/Shanghai
Antipodes     ; 2026-01-15 02:00Z    ; closed ; it is 21:00 on Wednesday in America/New_York
Antipodes     ; 2026-01-15 12:59Z    ; closed ; it is 07:59 on Thursday in America/New_York
Antipodes     ; 2026-01-15 13:00Z    ; closed ; it is 21:00 on Thursday in Asia/Shanghai
Antipodes     ; 2026-07-15 12:30Z    ; open   ; until 21:00 in Asia/Shanghai
"""

UK_OFCOM = """
London        ; Mon 2026-03-23 07:59 ; closed ; only 08:00-21:00
London        ; Mon 2026-03-23 08:00 ; open   ; until 21:00
London        ; Mon 2026-03-23 20:59 ; open   ; until 21:00
London        ; Mon 2026-03-23 21:00 ; closed ; only 08:00-21:00
London        ; Sat 2026-03-28 08:59 ; closed ; Saturdays: only 09:00-21:00
London        ; Sat 2026-03-28 09:00 ; open   ; until 21:00
# -- clocks go forward on 2026-03-29 and back on 2026-10-25
London        ; 2026-03-28 08:59Z    ; closed ; it is 08:59 on Saturday
London        ; 2026-03-28 09:00Z    ; open   ; until 21:00
London        ; 2026-03-29 07:59Z    ; closed ; it is 08:59 on Sunday
London        ; 2026-03-29 08:00Z    ; open   ; until 21:00
London        ; 2026-03-29 19:59Z    ; open   ; until 21:00
London        ; 2026-03-29 20:00Z    ; closed ; it is 21:00 on Sunday
London        ; 2026-03-30 06:59Z    ; closed ; it is 07:59 on Monday
London        ; 2026-03-30 07:00Z    ; open   ; until 21:00
London        ; 2026-10-24 08:00Z    ; open   ; until 21:00
London        ; 2026-10-24 20:00Z    ; closed ; it is 21:00 on Saturday
London        ; 2026-10-25 08:59Z    ; closed ; it is 08:59 on Sunday
London        ; 2026-10-25 09:00Z    ; open   ; until 21:00
London        ; 2026-10-25 20:59Z    ; open   ; until 21:00
London        ; 2026-10-26 07:59Z    ; closed ; it is 07:59 on Monday
London        ; 2026-10-26 08:00Z    ; open   ; until 21:00
Traveller     ; 2026-03-23 07:59Z    ; closed ; it is 07:59 on Monday in Europe/London
Traveller     ; 2026-03-23 08:00Z    ; open   ; until 21:00 in Europe/Berlin
Traveller     ; 2026-03-23 19:59Z    ; open   ; until 21:00 in Europe/Berlin
Traveller     ; 2026-03-23 20:00Z    ; closed ; it is 21:00 on Monday in Europe/Berlin
"""
